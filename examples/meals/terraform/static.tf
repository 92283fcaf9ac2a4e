# The assets are public and are read through the API (see api.tf), under /static/.
resource "aws_s3_bucket" "static" {
  bucket        = "${local.name}-static"
  force_destroy = var.environment != "prod"
}

resource "aws_s3_bucket_versioning" "static" {
  bucket = aws_s3_bucket.static.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "static" {
  bucket                  = aws_s3_bucket.static.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = false
  restrict_public_buckets = false
}

# Names that begin with a letter or a digit: what Pawl keeps of past releases, under static/.pawl/, is
# no asset. Not by a Deny, which would have to tell Pawl's own role from everybody else.
locals {
  first_of_a_name = split("", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
}

resource "aws_s3_bucket_policy" "static" {
  bucket     = aws_s3_bucket.static.id
  depends_on = [aws_s3_bucket_public_access_block.static]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = [for each in local.first_of_a_name : "${aws_s3_bucket.static.arn}/static/${each}*"]
    }]
  })
}
