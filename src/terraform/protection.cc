#include "terraform/protection.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

constexpr std::string_view kDefault = "default";

bool fits(const std::string& type, const std::string& pattern) {
  if (pattern.empty() || pattern.back() != '*') return type == pattern;
  return type.rfind(pattern.substr(0, pattern.size() - 1), 0) == 0;
}

bool goes(const PlannedChange& change) {
  return change.action == PlannedAction::destroy || change.action == PlannedAction::replace;
}

bool is_allowed(const PlannedChange& change, const std::vector<std::string>& allowed) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& name) {
    return name == change.address || name == change.type;
  });
}

}  // namespace

const std::vector<std::string>& types_that_hold_data() {
  static const std::vector<std::string> types = {
      "aws_backup_vault",
      "aws_cognito_user_pool",
      "aws_db_instance",
      "aws_docdb_cluster",
      "aws_docdbelastic_cluster",
      "aws_dsql_cluster",
      "aws_dynamodb_global_table",
      "aws_dynamodb_table",
      "aws_ebs_volume",
      "aws_ecr_repository",
      "aws_efs_file_system",
      "aws_elasticache_cluster",
      "aws_elasticache_replication_group",
      "aws_elasticache_serverless_cache",
      "aws_elasticsearch_domain",
      "aws_fsx_*",
      "aws_glacier_vault",
      "aws_keyspaces_keyspace",
      "aws_keyspaces_table",
      "aws_kinesis_stream",
      "aws_kms_key",
      "aws_memorydb_cluster",
      "aws_msk_cluster",
      "aws_neptune_cluster",
      "aws_opensearch_domain",
      "aws_opensearchserverless_collection",
      "aws_qldb_ledger",
      "aws_rds_cluster",
      "aws_rds_global_cluster",
      "aws_redshift_cluster",
      "aws_redshiftserverless_namespace",
      "aws_route53_zone",
      "aws_s3_bucket",
      "aws_s3_directory_bucket",
      "aws_s3tables_table_bucket",
      "aws_s3tables_table",
      "aws_secretsmanager_secret",
      "aws_timestreamwrite_database",
      "aws_timestreamwrite_table",
  };
  return types;
}

bool is_protected(const std::string& type, const std::vector<std::string>& protect) {
  const auto fits_type = [&](const std::string& pattern) { return fits(type, pattern); };
  for (const auto& pattern : protect) {
    if (pattern != kDefault && fits_type(pattern)) return true;
    const auto& defaults = types_that_hold_data();
    if (pattern == kDefault && std::any_of(defaults.begin(), defaults.end(), fits_type))
      return true;
  }
  return false;
}

Result<std::vector<std::string>> check_protection(const PlanSummary& summary,
                                                  const Protection& protection) {
  std::vector<std::string> going;
  std::string stopped;
  std::string options;
  for (const auto& change : summary.changes) {
    if (!goes(change) || !is_protected(change.type, protection.protect)) continue;
    if (is_allowed(change, protection.allowed)) {
      going.push_back(change.address);
      continue;
    }
    stopped += fmt::format("{}{} would be {}{}", stopped.empty() ? "" : "; ", change.address,
                           change.action == PlannedAction::replace ? "replaced" : "destroyed",
                           change.because.empty() ? "" : " (" + change.because + ")");
    options += fmt::format(" --allow-destroy '{}'", change.address);
  }
  if (stopped.empty()) return going;
  return Error(ErrorKind::refused,
               "the Terraform plan takes away what is protected, and what is in it: " + stopped)
      .with_hint(
          fmt::format("correct the Terraform tree; when it is meant: pawl deploy {}{}; which "
                      "types are protected: infrastructure.terraform.protect in pawl.yaml",
                      protection.environment, options));
}

}  // namespace pawl
