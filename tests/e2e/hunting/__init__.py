"""Looking for secrets where none may be: for tests/e2e/secrets."""
