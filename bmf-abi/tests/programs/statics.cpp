// A plugin whose statics are VERSION: those of the wrapper, as another version of it may have them, and those of its
// author. What the plugin sees is its module's summary.

#include "bmf.hpp"

namespace bmf BMF_HIDDEN {
inline int &in_function() {
    static int value = VERSION;
    return value;
}
template <class Type> struct Kept { static Type value; };
template <class Type> Type Kept<Type>::value = VERSION;
} // namespace bmf

inline int &in_function() {
    static int value = VERSION;
    return value;
}
template <class Type> struct Kept { static Type value; };
template <class Type> Type Kept<Type>::value = VERSION;

struct Nothing : bmf::Module {
    bmf::Flow process(bmf::Task &) override { return bmf::Flow::Done; }
};

BMF_PLUGIN_MODULES(statics, "1", bmf::module<Nothing>("statics").summary(
    "of the wrapper " + std::to_string(bmf::in_function()) + " " + std::to_string(bmf::Kept<int>::value) +
    ", of the author " + std::to_string(in_function()) + " " + std::to_string(Kept<int>::value)))
