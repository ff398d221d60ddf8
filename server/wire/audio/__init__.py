"""What every format of speech and transcription shares."""
