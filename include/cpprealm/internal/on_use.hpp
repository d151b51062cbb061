// What keeps the headers cheap to include.
#pragma once

namespace realm::internal {

/// The only argument of templates that have none of their own: `template <typename = on_use>`.
///
/// Compilers make all that the body of an inline function needs, vectors, futures, tables of
/// virtual functions, in each file that includes it, whether anything calls it or not. Of a
/// template they make it where it is called. So whatever needs more than plain types and strings is
/// a template, or a member of one.
struct on_use {};

template <typename Use, typename T>
struct same_type {
    using type = T;
};
/// The type T, which a template that names it so looks at where it is made.
template <typename Use, typename T>
using later = typename same_type<Use, T>::type;

} // namespace realm::internal
