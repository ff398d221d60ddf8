"""The models of /v1/embeddings."""
