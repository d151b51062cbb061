// The operations of all types of properties.
#pragma once

#include <cpprealm/link.hpp>
#include <cpprealm/managed_binary.hpp>
#include <cpprealm/managed_decimal.hpp>
#include <cpprealm/managed_dictionary.hpp>
#include <cpprealm/managed_list.hpp>
#include <cpprealm/managed_mixed.hpp>
#include <cpprealm/managed_numeric.hpp>
#include <cpprealm/managed_objectid.hpp>
#include <cpprealm/managed_primary_key.hpp>
#include <cpprealm/managed_set.hpp>
#include <cpprealm/managed_string.hpp>
#include <cpprealm/managed_timestamp.hpp>
#include <cpprealm/managed_uuid.hpp>
