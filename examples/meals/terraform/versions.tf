terraform {
  required_version = ">= 1.10" # for the lock in S3 (use_lockfile)

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }

  # Filled in from environments/*/backend.hcl.template.
  backend "s3" {}
}

# The region comes from AWS_REGION.
provider "aws" {
  default_tags {
    tags = {
      Application = var.app
      Environment = var.environment
    }
  }
}
