"""What every format of chat shares: knobs and what is dropped of them, media, ids of calls, streams put together."""
