// Docker's certs.d folders, as they are found on people's machines.
#include "oci/certificates.h"

#include <gtest/gtest.h>

#include "support/temp_folder.h"

namespace pawl::oci {
namespace {

class Certificates : public ::testing::Test {
 protected:
  test::TempFolder folder;
  CertificateFolders folders{{folder / "own", folder / "system"}};
};

TEST_F(Certificates, AreFoundByHostAndPort) {
  folder.write("system/reg.example:5000/a.crt", "root A");
  folder.write("system/reg.example:5000/b.crt", "root B");
  folder.write("system/reg.example/ca.crt", "another");
  const auto found = folders.find("reg.example:5000");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->ca_pem, "root A\nroot B\n");
  EXPECT_TRUE(found->client_cert.empty());
  EXPECT_EQ(folders.find("other.example"), nullptr);
}

TEST_F(Certificates, APersonsOwnComeFirst) {
  folder.write("system/reg.example/ca.crt", "the system's");
  folder.write("own/reg.example/ca.crt", "mine");
  EXPECT_EQ(folders.find("reg.example")->ca_pem, "mine\n");
}

TEST_F(Certificates, AClientsCertificateNeedsItsKey) {
  folder.write("own/reg.example/alone.cert", "c");
  EXPECT_EQ(folders.find("reg.example"), nullptr);
  const auto certificate = folder.write("own/reg.example/client.cert", "c");
  const auto key = folder.write("own/reg.example/client.key", "k");
  const auto found = folders.find("reg.example");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->client_cert, certificate);
  EXPECT_EQ(found->client_key, key);
  EXPECT_TRUE(found->ca_pem.empty());
}

TEST_F(Certificates, ANameIsNeverAPath) {
  folder.write("ca.crt", "not meant");
  folder.write("own/x/ca.crt", "not meant either");
  for (const std::string host : {"", ".", "..", "../own/x", "x/../x"})
    EXPECT_EQ(folders.find(host), nullptr) << host;
}

}  // namespace
}  // namespace pawl::oci
