variable "app" {
  type    = string
  default = "meals"
}

variable "environment" {
  type = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment must be dev, staging or prod."
  }
}

variable "memory_mb" {
  type = number
}

variable "log_retention_days" {
  type = number
}

locals {
  name = "${var.app}-${var.environment}"
}
