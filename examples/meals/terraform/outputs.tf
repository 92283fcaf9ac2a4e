output "function_name" {
  value = aws_lambda_function.app.function_name
}

output "ecr_repository_url" {
  value = aws_ecr_repository.app.repository_url
}

output "static_bucket" {
  value = aws_s3_bucket.static.bucket
}

output "api_url" {
  value = aws_apigatewayv2_api.app.api_endpoint
}
