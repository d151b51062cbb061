// One program of two files that share the headers and the macros.
#include "classes.hpp"

#include "../write_session.hpp"

#include <gtest/gtest.h>

TEST(two_units, share_a_transaction_and_its_objects) {
    realm::internal::recorded_transaction transaction(
        realm::internal::describe_classes<units::Whole, units::Part>());
    transaction.begin(nullptr);
    units::Part part{1.5};
    realm::managed<units::Whole> here(transaction.add(units::Whole{1, &part}));
    realm::managed<units::Whole> there = units::add_elsewhere(transaction, 2);
    there.part = &part;
    EXPECT_EQ(here.part->value, 1.5);
    EXPECT_EQ(there.part->value, 1.5);
    std::uint32_t count = 0;
    finish(transaction, [&](const auto& runs, const std::uint8_t*, std::size_t) {
        ASSERT_EQ(runs.size(), 1U);
        count = runs[0].count;
    });
    EXPECT_EQ(count, 2U);
}

TEST(two_units, register_each_class_once) {
    EXPECT_EQ(realm::internal::describe_declared().size(), 2U);
    EXPECT_EQ(units::registered_elsewhere(), 2U);
}
