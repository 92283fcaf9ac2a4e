// The XML answers of AWS, and what must not get through the reader.
#include "aws/xml.h"

#include <gtest/gtest.h>

#include "aws/s3_requests.h"

namespace pawl::aws {
namespace {

TEST(Xml, ReadsElementsAndText) {
  auto root = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"http://x/\"><B> x &amp; &#252; </B>"
      "<C/><B>2</B><D><E>deep</E></D></A>",
      "it");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->name, "A");
  EXPECT_EQ(root->text_of("B"), " x & \xC3\xBC ");
  EXPECT_EQ(root->all("B").size(), 2u);
  EXPECT_EQ(root->text_of("D/E"), "deep");
  EXPECT_EQ(root->text_of("D/F"), "");
  EXPECT_NE(root->find("C"), nullptr);
}

TEST(Xml, RefusesWhatIsNotWellFormedOrTooMuch) {
  std::string deep;
  for (int i = 0; i < 5'000; ++i) deep += "<a>";
  for (const std::string& bad :
       {std::string(""), std::string("text"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a"), std::string("<a b></a>"), std::string("</a>"), std::string("<a/><b/>"),
        std::string("<a>\0</a>", 8), std::string("<"), deep, std::string(kMaxXmlBytes + 1, ' '),
        std::string("<!DOCTYPE a>")})
    EXPECT_FALSE(parse_xml(bad, "it").ok()) << bad.substr(0, 40);
}

// Every prefix and every single changed byte of a real answer: an Element or an Error, no more.
TEST(Xml, SurvivesEveryTruncationAndManyChanges) {
  const std::string answer =
      "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>"
      "<Contents><Key>a%20b</Key><Size>5</Size><ETag>&quot;e&quot;</ETag></Contents>"
      "<!-- c --><![CDATA[x]]></ListBucketResult>";
  for (size_t length = 0; length < answer.size(); ++length)
    (void)read_list_page(answer.substr(0, length));
  for (size_t at = 0; at < answer.size(); ++at)
    for (const char c : {'<', '>', '&', '/', '"', '\xFF', ';', '!'}) {
      std::string changed = answer;
      changed[at] = c;
      (void)read_list_page(changed);
    }
}

TEST(Xml, EscapesWhatTextMustNotHold) {
  EXPECT_EQ(xml_escape("a<b>&\"c"), "a&lt;b&gt;&amp;&quot;c");
}

TEST(S3Answers, ListsGiveDecodedKeys) {
  auto page = read_list_page(
      "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t=</NextContinuationToken><Contents><Key>a+b%2Bc/%C3%BC</Key>"
      "<Size>12</Size><ETag>\"abc\"</ETag></Contents></ListBucketResult>");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "a b+c/\xC3\xBC");
  EXPECT_EQ(page->objects[0].size, 12u);
  EXPECT_EQ(page->objects[0].etag, "abc");
  EXPECT_EQ(page->next, "t=");
}

TEST(S3Answers, AListThatIsCutWithoutATokenIsAnError) {
  EXPECT_FALSE(
      read_list_page("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>").ok());
  EXPECT_FALSE(read_list_page("<html></html>").ok());
}

TEST(S3Answers, A200MayHoldAnError) {
  auto failed = read_etag_answer(
      "<Error><Code>InternalError</Code><Message>try again</Message></Error>", "s3:PutObject");
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(failed.error().outcome_unknown());
  EXPECT_EQ(*read_etag_answer("<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>", "x"), "e");
}

TEST(S3Answers, EtagsComeWithoutQuotes) {
  EXPECT_EQ(bare_etag("\"abc\""), "abc");
  EXPECT_EQ(bare_etag("W/\"abc\""), "abc");
  EXPECT_EQ(bare_etag("abc"), "abc");
  EXPECT_EQ(bare_etag("\""), "\"");
}

}  // namespace
}  // namespace pawl::aws
