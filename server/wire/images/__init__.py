"""What every format of images shares: what a model takes, and how options, sources, masks and usage are judged."""
