environment        = "dev"
memory_mb          = 128
log_retention_days = 7
