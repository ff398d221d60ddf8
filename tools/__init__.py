"""Programs that write files of this repository from what others publish, or from its own code."""
