// Loads libraries of statics.cpp one after another, as a host does, and prints what they see.

#include "bmf.h"

#include <dlfcn.h>
#include <cstdio>

int main(int count, char **paths) {
    static bmf_host host = bmf_host();
    host.size = sizeof host;
    host.version_major = BMF_VERSION_MAJOR;
    bmf_error_sink errors;
    errors.target = nullptr;
    errors.report = [](void *, const bmf_error_info *info) { std::printf("%.*s\n", static_cast<int>(info->message.len), info->message.ptr); };
    bmf_sink out;
    out.target = nullptr;
    out.write = [](void *, bmf_str text) { std::printf("%.*s\n", static_cast<int>(text.len), text.ptr); };
    for (int index = 1; index < count; ++index) {
        void *library = dlopen(paths[index], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            std::printf("%s\n", dlerror());
            return 1;
        }
        typedef const bmf_plugin *Entry(const bmf_host *, const bmf_error_sink *);
        Entry *entry = reinterpret_cast<Entry *>(dlsym(library, "bmf_plugin_v1_statics"));
        const bmf_plugin *plugin = entry(&host, &errors);
        plugin->modules[0]->describe(plugin->modules[0]->data, &out);
    }
    return 0;
}
