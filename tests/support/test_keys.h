// Keys that were made for the tests and open nothing.
#pragma once

namespace pawl::test {

/// 2048 bits, PKCS#1, as GitHub hands them out.
inline constexpr const char* kRsaKey =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEpAIBAAKCAQEAm82X67XVVTpi8ZL0HbPIYX9rLt+vaA8a57WDF2GT61ER77q7\n"
    "BLmT2EV4IGlgrkPntXzkKVw2Fp2l9pcJOtpu3Cmag9Fr2RfwJG/W0D0Ci5erh5Jq\n"
    "lhov7ZAOdikxSO+werfF+fw1XU6dLFsJn4+AX8y/93nZsn4DzhwECxpcvsXYilK3\n"
    "nXuOsvEJbNG2FzJ6c691d1s9Jsoz1k8X3O++RC6ydLbJYLqhjPgB1+l6uRpRI4V0\n"
    "Qo27HmHgYgqPX7ZV8a8MhqJiHqMA+SXlUWYwIpbTEVCznpMR0OA3z2MrQzcWnNlw\n"
    "mFJOi/CyQAWUP58qarAiOq8E6hI1zVTsAlE4VQIDAQABAoIBABFVyOX713kso7lP\n"
    "iaQhDpYJLdKg0ReUZVYg7tgz+K0m2jE2BxH0WKaoZWsXHnU1Q/uATQiXDxjpaypV\n"
    "IryZdNqVMcZ3OiHaVSimCEd8yk2Kz2soV333pZvaj+lbavWRCa3rHaF+C4KkDmko\n"
    "K0Qax4ShN5NgS4sIagGi7LDpkCZ/mK/n2auZ+gp4OL5A25x7PWKry1NQOPGkZuVm\n"
    "w1eyvrz+6/ElcpaSRhmDiuJ8tEcXpJ3JCbv7LSjK7dmbWY2c+clNXd2oO0l9A6pF\n"
    "H48jYa+30QRaXtwYm7wCEI+YAf7BjG+NEaAesF6//odiEiFhbA1X5I1iDmJIZZLP\n"
    "P9kipY8CgYEA1QYigtu1gY7OR0CPmMUWlcgrPfOBGzkxxS3rhlRPvUFlRpO3SQcL\n"
    "AsdZpSYFuzIGbUpu3oDRJxBthcQ7oa59DbvaX6/XCTsCryunCwzg22y+bdLB4rmK\n"
    "AH0LT3OJQxanmLK7TUOvBrZwcF1kZlZofpVcb3MigzKokI9exlmTcMcCgYEAuzw4\n"
    "z4f+J4bKhPOgOcT/nl0sS6DF+jzYTbvMRlKP080Z9feSA/H+hNcyXkkPgazGRug2\n"
    "2Sy7DtPUmw40ZWG+nnpVFO7H/ZPtSDbThV+tw37I1aFNa5klLunTMNhMy0JoYARK\n"
    "WB1HhVzMpd7jGvvXnQsqqTnxlxRPR1tLXxx36gMCgYAOxEkaJx7S51JXUBtkLK1f\n"
    "HqwYtEuL1pAjqgY8npWUefcKSG0ZK9rQi38kWpllG5ekdddvpyBYg+QDtNGpaI4U\n"
    "qKP/pBHU+vk5qV3//xmLPGOK+2QjUldFp2VkUY7/To+5nxIqzflRDs6Gi4LNMUo3\n"
    "FCV/OEz5KUbUFowsVcNJuwKBgQCdW3yHdky0nYUA/duwEY+fYcEDgohAyfgkRGvm\n"
    "wiaco+honvu5kx0MOevb7903Z6RwHWNTXFONn5w0AFkqx14zxK5S3Gd6B2PJaEKW\n"
    "+hWIkrppSJpPjrMAXYWfrHnF7fbYk2KD8X+VZqubz9ngaL4J/0OIW+ldxrTmTKTo\n"
    "t31UTwKBgQDMs0WwweVwL2dQ/cW21cCHc6lBuoEezCLvqhDowOwylZbo5AhNnIXk\n"
    "tvCBn95A2ncG6SZ4drRzA5bOOJVdR0UFXloUV+IhoBZfnRgeAOMKtRk8I3c+xmHQ\n"
    "2Ih9g1dKgfgirOj0pDO1utTkDKD+3g5dD3S7aV1/2aePALVVT5CNQg==\n"
    "-----END RSA PRIVATE KEY-----\n";
/// The same in PKCS#8.
inline constexpr const char* kRsaKeyPkcs8 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCbzZfrtdVVOmLx\n"
    "kvQds8hhf2su369oDxrntYMXYZPrURHvursEuZPYRXggaWCuQ+e1fOQpXDYWnaX2\n"
    "lwk62m7cKZqD0WvZF/Akb9bQPQKLl6uHkmqWGi/tkA52KTFI77B6t8X5/DVdTp0s\n"
    "Wwmfj4BfzL/3edmyfgPOHAQLGly+xdiKUrede46y8Qls0bYXMnpzr3V3Wz0myjPW\n"
    "Txfc775ELrJ0tslguqGM+AHX6Xq5GlEjhXRCjbseYeBiCo9ftlXxrwyGomIeowD5\n"
    "JeVRZjAiltMRULOekxHQ4DfPYytDNxac2XCYUk6L8LJABZQ/nypqsCI6rwTqEjXN\n"
    "VOwCUThVAgMBAAECggEAEVXI5fvXeSyjuU+JpCEOlgkt0qDRF5RlViDu2DP4rSba\n"
    "MTYHEfRYpqhlaxcedTVD+4BNCJcPGOlrKlUivJl02pUxxnc6IdpVKKYIR3zKTYrP\n"
    "ayhXffelm9qP6Vtq9ZEJresdoX4LgqQOaSgrRBrHhKE3k2BLiwhqAaLssOmQJn+Y\n"
    "r+fZq5n6Cng4vkDbnHs9YqvLU1A48aRm5WbDV7K+vP7r8SVylpJGGYOK4ny0Rxek\n"
    "nckJu/stKMrt2ZtZjZz5yU1d3ag7SX0DqkUfjyNhr7fRBFpe3BibvAIQj5gB/sGM\n"
    "b40RoB6wXr/+h2ISIWFsDVfkjWIOYkhlks8/2SKljwKBgQDVBiKC27WBjs5HQI+Y\n"
    "xRaVyCs984EbOTHFLeuGVE+9QWVGk7dJBwsCx1mlJgW7MgZtSm7egNEnEG2FxDuh\n"
    "rn0Nu9pfr9cJOwKvK6cLDODbbL5t0sHiuYoAfQtPc4lDFqeYsrtNQ68GtnBwXWRm\n"
    "Vmh+lVxvcyKDMqiQj17GWZNwxwKBgQC7PDjPh/4nhsqE86A5xP+eXSxLoMX6PNhN\n"
    "u8xGUo/TzRn195ID8f6E1zJeSQ+BrMZG6DbZLLsO09SbDjRlYb6eelUU7sf9k+1I\n"
    "NtOFX63DfsjVoU1rmSUu6dMw2EzLQmhgBEpYHUeFXMyl3uMa+9edCyqpOfGXFE9H\n"
    "W0tfHHfqAwKBgA7ESRonHtLnUldQG2QsrV8erBi0S4vWkCOqBjyelZR59wpIbRkr\n"
    "2tCLfyRamWUbl6R112+nIFiD5AO00alojhSoo/+kEdT6+TmpXf//GYs8Y4r7ZCNS\n"
    "V0WnZWRRjv9Oj7mfEirN+VEOzoaLgs0xSjcUJX84TPkpRtQWjCxVw0m7AoGBAJ1b\n"
    "fId2TLSdhQD927ARj59hwQOCiEDJ+CREa+bCJpyj6Gie+7mTHQw569vv3TdnpHAd\n"
    "Y1NcU42fnDQAWSrHXjPErlLcZ3oHY8loQpb6FYiSumlImk+OswBdhZ+secXt9tiT\n"
    "YoPxf5Vmq5vP2eBovgn/Q4hb6V3GtOZMpOi3fVRPAoGBAMyzRbDB5XAvZ1D9xbbV\n"
    "wIdzqUG6gR7MIu+qEOjA7DKVlujkCE2cheS28IGf3kDadwbpJnh2tHMDls44lV1H\n"
    "RQVeWhRX4iGgFl+dGB4A4wq1GTwjdz7GYdDYiH2DV0qB+CKs6PSkM7W61OQMoP7e\n"
    "Dl0PdLtpXX/Zp48AtVVPkI1C\n"
    "-----END PRIVATE KEY-----\n";
/// Its other half.
inline constexpr const char* kRsaPublicKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAm82X67XVVTpi8ZL0HbPI\n"
    "YX9rLt+vaA8a57WDF2GT61ER77q7BLmT2EV4IGlgrkPntXzkKVw2Fp2l9pcJOtpu\n"
    "3Cmag9Fr2RfwJG/W0D0Ci5erh5Jqlhov7ZAOdikxSO+werfF+fw1XU6dLFsJn4+A\n"
    "X8y/93nZsn4DzhwECxpcvsXYilK3nXuOsvEJbNG2FzJ6c691d1s9Jsoz1k8X3O++\n"
    "RC6ydLbJYLqhjPgB1+l6uRpRI4V0Qo27HmHgYgqPX7ZV8a8MhqJiHqMA+SXlUWYw\n"
    "IpbTEVCznpMR0OA3z2MrQzcWnNlwmFJOi/CyQAWUP58qarAiOq8E6hI1zVTsAlE4\n"
    "VQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
/// 1024 bits: too small.
inline constexpr const char* kSmallRsaKey =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQCuZGgQcLKKyCE8pAwzw9q2HGNpWZ/5Y1/6E1UYEkmT+1cDCzek\n"
    "65Rr/vffEqD6/ldQxiAV9WliWuSPU/QOC8QEPrs0KbEh2GP5tnO8valBkYl8N9X9\n"
    "g9g6Z5H/UGBmTX+AeN/3VDHX+m9M4G5b+U0bGLGhlHKVKa2TlLLrUsIxqQIDAQAB\n"
    "AoGBAJ91deYadlcJ+cIuKm4m1tSQDqJk7i8mG7tZdASHrDmgp4ZD+oRVWKiLQfD6\n"
    "YrI+YG6eSvZpKQxjGfyogk9ZmMfZ6me1rAac8YChfFIPsT4PM4hRUGiWByveXZjT\n"
    "ASZo5EmfHyVVtCFmKy+LjFKx0Pb3L2ztsoFL6VKgidm2xPxVAkEA30bRkFgg1hzq\n"
    "qsMfVozXXiqi2NFho6aPRJ0Qy8x7yJ/h2hm9vnRRjpDiatlyjBUgDslyssPaqFj1\n"
    "6+4aTwRqywJBAMfzepyUFI7Hc5QvW9K5zzgKoxiRy3xDp3KQSWTKNz59Pdyd677O\n"
    "Hft6de5HfTzK6+b/rKYf6CZZ6kUNyjCHwtsCQCW181061Uj0l1oCHL/kh9eaweh2\n"
    "7NPUJOyEzrptLhcDkgThRh/ty3yV0fgUA/nO85wrwBibZcn7RIX1sDHaYCMCQBmn\n"
    "Cxv7g4et3w4r5UPrwsIV20bTrZ+LrnfsOv5LUzsZJk6flBcuqnoRBABF+7NI9Wr1\n"
    "clj9zvLcpkmls0L2p/ECQQDEapVQD2BVuDQFVYkgiC3KdZXAfpv76Jgh2aaeAUBs\n"
    "JUQ5TuS3LSW5jxKv46gB+NiOQPZwh+DwZabsNcWKWAvf\n"
    "-----END RSA PRIVATE KEY-----\n";
/// P-256: no RSA key.
inline constexpr const char* kEcKey =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIHxZt9pjPjO75vIpfMyUD/qUWZQ4TbLeJ9MepPp4U0FjoAoGCCqGSM49\n"
    "AwEHoUQDQgAEsefV3/7rGPE/z7S3CumY20vKp2cK5tHEbDIWaziC87Td2MD6OD6Z\n"
    "3btxYG/7PdAya+qgqr+ptPI781o9rPuMBg==\n"
    "-----END EC PRIVATE KEY-----\n";
/// {"iat":1699999940,"exp":1700000540,"iss":"1234"}, signed with kRsaKey by `openssl dgst -sha256
/// -sign`: RS256 makes the same of the same always.
inline constexpr const char* kSignedByOpenssl =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE2OTk5OTk5NDAsImV4cCI6MTcwMDAwMDU"
    "0MCwiaXNzIjoiMTIzNCJ9.S92QH1EaZxnFZxKKzYCDvpO150gHqJV-gv8PTE2qKZWurnnyXUdcnvKn6i"
    "noPhEDSHtg4NjqK0rUp4ILN4qOpjGWJ0r7aUQRJ7VtblyBJKk3gzs4iMW4iMY59S1BkRvE9r8qr9WTCi"
    "eQxGYVlwLrkws5JPIqybjbmsDbXtiRBiCh1KgUP4gG7EmhAfGQzMntb8Fq0bexZB3AoyqsZVqBmgbstd"
    "MLIFnQqxMFB8ViH_sP8jGG-60llzerCj5byNElCpxppz0N3srVo0NIyuizBtSWHHJqFmTym-mxvggfmL"
    "9dO7uONMspYLaAJ57bhmGJGEbMK3eGKozIW4Q15kfqNA";

}  // namespace pawl::test
