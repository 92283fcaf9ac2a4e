environment        = "prod"
memory_mb          = 256
log_retention_days = 90
