// Loads the plugin named by its argument, uses it, unloads it, and waits until the plugin's work is
// done.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <dlfcn.h>
#include <thread>

int main(int, char** arguments) {
    static std::atomic<bool> gone{false};
    void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!plugin) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    reinterpret_cast<void (*)(std::atomic<bool>*)>(dlsym(plugin, "use_plugin"))(&gone);
    dlclose(plugin);
    for (int i = 0; i < 6000; ++i) {
        if (gone)
            return 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::fprintf(stderr, "the library did not let go of the plugin\n");
    return 1;
}
