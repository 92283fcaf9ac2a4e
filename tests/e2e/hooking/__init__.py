"""Hooks on the sandbox: for tests/e2e/hooks."""
