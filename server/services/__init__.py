"""One file per gRPC service: validate, resolve, delegate, nothing else."""
