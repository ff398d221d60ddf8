"""Sound: speak makes a melody of a text, hear reads it back."""
