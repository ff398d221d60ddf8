"""sandbox/draw: pictures made from a prompt, in formats written by hand."""
