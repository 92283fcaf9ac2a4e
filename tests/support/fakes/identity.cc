// What FakeIdentity does when it is called.
#include "support/fakes/identity.h"

namespace pawl::fakes {

Task<Result<CallerIdentity>> FakeIdentity::caller() {
  co_return CallerIdentity{"000000000000", "arn:aws:iam::000000000000:user/test"};
}

}  // namespace pawl::fakes
