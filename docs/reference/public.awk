# What Doxygen is to see of a header: names of namespace realm::internal are left out, but those of internal::bridge, which
# programs spell; and what only puts off compiling a function until it is used. Lines keep their numbers.
/^namespace (realm::)?internal \{$/ { hidden = 1 }
hidden {
    print ""
    # One with a single line inside has no comment at its end: that is how they are formatted.
    if (/^\} \/\/ namespace (realm::)?internal$/ || (hidden == 3 && /^\}$/))
        hidden = 0
    else
        ++hidden
    next
}
/^ *template <typename( Use)? = (internal::)?on_use>$/ { print ""; next }
{ print }
