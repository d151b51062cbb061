// Build facts that applications test with the preprocessor.
#ifndef CPPREALM_UTIL_CONFIG_H
#define CPPREALM_UTIL_CONFIG_H

// App::update_base_url is always there.
#ifndef REALM_ENABLE_EXPERIMENTAL
#define REALM_ENABLE_EXPERIMENTAL 1
#endif

// No libuv: the default scheduler has no event loop.
#ifndef REALM_HAVE_UV
#define REALM_HAVE_UV 0
#endif

#endif
