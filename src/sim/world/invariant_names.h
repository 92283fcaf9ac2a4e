// The invariants by their number and name, as docs/guarantees.md has them.
#pragma once

namespace pawl::sim::invariant {

inline constexpr const char* kKept = "1 acknowledged means kept";
inline constexpr const char* kFold = "2 state is a function of the record";
inline constexpr const char* kTerminal = "3 terminal is final";
inline constexpr const char* kOneOwner = "4 one deployment owns an environment";
inline constexpr const char* kOldEpochs = "5 old epochs cannot write";
inline constexpr const char* kIntent = "6 intent precedes effect";
inline constexpr const char* kOnce = "7 an effect changes the world at most once";
inline constexpr const char* kAsked = "8 unknown is asked, not repeated";
inline constexpr const char* kWitnessed = "9 success is witnessed";
inline constexpr const char* kChecked = "10 what was checked is what runs";
inline constexpr const char* kProven = "11 rollback goes only to proven ground";
inline constexpr const char* kDelivery = "12 delivery order does not matter";
inline constexpr const char* kSecrets = "14 secrets stay inside";
inline constexpr const char* kRefusal = "17 what was refused changes nothing";
inline constexpr const char* kHook = "19 what cannot be undone is done once, and last";
inline constexpr const char* kHeeded = "20 a cancel is heeded";
inline constexpr const char* kLine = "13 nothing waits forever unseen, nothing is lost in line";
inline constexpr const char* kRest = "15 silence brings rest";
inline constexpr const char* kRestored = "16 what is restored is what was";
inline constexpr const char* kByHand = "18 a change made by hand is not overwritten";
inline constexpr const char* kRepeats = "a seed is the whole of a run";

}  // namespace pawl::sim::invariant
