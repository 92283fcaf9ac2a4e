environment        = "staging"
memory_mb          = 256
log_retention_days = 14
