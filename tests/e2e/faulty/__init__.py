"""The network between Pawl and each service, gone wrong on purpose: for tests/e2e/bad_network."""
