"""What tests/e2e/kill is made of: the example and its releases, the world as the sandbox keeps it,
the rounds that kill, and what must hold after each."""
