"""What Pawl meets outside, made of programs that are not Pawl's: for tests/e2e/real_world and
tests/e2e/secrets."""
