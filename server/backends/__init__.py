"""One small Protocol per modality, and one generic HTTP implementation of each."""
