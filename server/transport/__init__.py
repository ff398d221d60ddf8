"""The one HTTP client: pools, timeouts from the deadline, credentials, the egress guard. Never a retry."""
