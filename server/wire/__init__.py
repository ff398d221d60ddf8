"""Pure translation between the hub's contract and the formats of providers: no I/O, no tasks, no clock."""
