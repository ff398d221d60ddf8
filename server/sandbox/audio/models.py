"""The names of the audio models; those that misbehave are the chat models of that name."""

SPEAK, HEAR = "speak", "hear"
AUDIO = frozenset({SPEAK, HEAR})
