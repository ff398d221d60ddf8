"""What every call passes through: telemetry, status, auth, admission."""
