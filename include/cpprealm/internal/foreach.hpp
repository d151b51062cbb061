// Walks the property names of a schema macro, in standard C++17.
//
// A list of 37 names is three tens and a rest of seven: the tens hand over from one to the next,
// the last to the rest. That takes thirty short macros instead of 199, and it keeps the trail that
// a compiler prints after a mistake in a name a few lines long, which recursion by repeated
// scanning would not.
//
// clang-format off
#pragma once

#define REALM_INTERNAL_REST_0(f, c, ...)
#define REALM_INTERNAL_REST_1(f, c, a0, ...) f(c, a0)
#define REALM_INTERNAL_REST_2(f, c, a0, a1, ...) f(c, a0) f(c, a1)
#define REALM_INTERNAL_REST_3(f, c, a0, a1, a2, ...) f(c, a0) f(c, a1) f(c, a2)
#define REALM_INTERNAL_REST_4(f, c, a0, a1, a2, a3, ...) f(c, a0) f(c, a1) f(c, a2) f(c, a3)
#define REALM_INTERNAL_REST_5(f, c, a0, a1, a2, a3, a4, ...)                                       \
    f(c, a0) f(c, a1) f(c, a2) f(c, a3) f(c, a4)
#define REALM_INTERNAL_REST_6(f, c, a0, a1, a2, a3, a4, a5, ...)                                   \
    f(c, a0) f(c, a1) f(c, a2) f(c, a3) f(c, a4) f(c, a5)
#define REALM_INTERNAL_REST_7(f, c, a0, a1, a2, a3, a4, a5, a6, ...)                               \
    f(c, a0) f(c, a1) f(c, a2) f(c, a3) f(c, a4) f(c, a5) f(c, a6)
#define REALM_INTERNAL_REST_8(f, c, a0, a1, a2, a3, a4, a5, a6, a7, ...)                           \
    f(c, a0) f(c, a1) f(c, a2) f(c, a3) f(c, a4) f(c, a5) f(c, a6) f(c, a7)
#define REALM_INTERNAL_REST_9(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, ...)                       \
    f(c, a0) f(c, a1) f(c, a2) f(c, a3) f(c, a4) f(c, a5) f(c, a6) f(c, a7) f(c, a8)

#define REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                           \
    f(c, a0) f(c, a1) f(c, a2) f(c, a3) f(c, a4) f(c, a5) f(c, a6) f(c, a7) f(c, a8) f(c, a9)
#define REALM_INTERNAL_TENS_0(rest, f, c, ...) rest(f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_1(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_0(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_2(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_1(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_3(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_2(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_4(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_3(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_5(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_4(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_6(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_5(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_7(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_6(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_8(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_7(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_9(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)             \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_8(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_10(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_9(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_11(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_10(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_12(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_11(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_13(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_12(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_14(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_13(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_15(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_14(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_16(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_15(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_17(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_16(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_18(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_17(rest, f, c, __VA_ARGS__)
#define REALM_INTERNAL_TENS_19(rest, f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...)            \
    REALM_INTERNAL_TEN(f, c, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)                               \
    REALM_INTERNAL_TENS_18(rest, f, c, __VA_ARGS__)

// The 200th of its arguments: with the counts in falling order behind the names, how many names there are.
#define REALM_INTERNAL_200TH(                                                                      \
    p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p20,     \
    p21, p22, p23, p24, p25, p26, p27, p28, p29, p30, p31, p32, p33, p34, p35, p36, p37, p38, p39, \
    p40, p41, p42, p43, p44, p45, p46, p47, p48, p49, p50, p51, p52, p53, p54, p55, p56, p57, p58, \
    p59, p60, p61, p62, p63, p64, p65, p66, p67, p68, p69, p70, p71, p72, p73, p74, p75, p76, p77, \
    p78, p79, p80, p81, p82, p83, p84, p85, p86, p87, p88, p89, p90, p91, p92, p93, p94, p95, p96, \
    p97, p98, p99, p100, p101, p102, p103, p104, p105, p106, p107, p108, p109, p110, p111, p112,   \
    p113, p114, p115, p116, p117, p118, p119, p120, p121, p122, p123, p124, p125, p126, p127,      \
    p128, p129, p130, p131, p132, p133, p134, p135, p136, p137, p138, p139, p140, p141, p142,      \
    p143, p144, p145, p146, p147, p148, p149, p150, p151, p152, p153, p154, p155, p156, p157,      \
    p158, p159, p160, p161, p162, p163, p164, p165, p166, p167, p168, p169, p170, p171, p172,      \
    p173, p174, p175, p176, p177, p178, p179, p180, p181, p182, p183, p184, p185, p186, p187,      \
    p188, p189, p190, p191, p192, p193, p194, p195, p196, p197, p198, p199,                        \
    n, ...)                                                                                        \
    n
#define REALM_INTERNAL_COUNT(...)                                                                  \
    REALM_INTERNAL_200TH(__VA_ARGS__,                                                              \
    (19,9), (19,8), (19,7), (19,6), (19,5), (19,4), (19,3), (19,2), (19,1), (19,0), (18,9),        \
    (18,8), (18,7), (18,6), (18,5), (18,4), (18,3), (18,2), (18,1), (18,0), (17,9), (17,8),        \
    (17,7), (17,6), (17,5), (17,4), (17,3), (17,2), (17,1), (17,0), (16,9), (16,8), (16,7),        \
    (16,6), (16,5), (16,4), (16,3), (16,2), (16,1), (16,0), (15,9), (15,8), (15,7), (15,6),        \
    (15,5), (15,4), (15,3), (15,2), (15,1), (15,0), (14,9), (14,8), (14,7), (14,6), (14,5),        \
    (14,4), (14,3), (14,2), (14,1), (14,0), (13,9), (13,8), (13,7), (13,6), (13,5), (13,4),        \
    (13,3), (13,2), (13,1), (13,0), (12,9), (12,8), (12,7), (12,6), (12,5), (12,4), (12,3),        \
    (12,2), (12,1), (12,0), (11,9), (11,8), (11,7), (11,6), (11,5), (11,4), (11,3), (11,2),        \
    (11,1), (11,0), (10,9), (10,8), (10,7), (10,6), (10,5), (10,4), (10,3), (10,2), (10,1),        \
    (10,0), (9,9), (9,8), (9,7), (9,6), (9,5), (9,4), (9,3), (9,2), (9,1), (9,0), (8,9), (8,8),    \
    (8,7), (8,6), (8,5), (8,4), (8,3), (8,2), (8,1), (8,0), (7,9), (7,8), (7,7), (7,6), (7,5),     \
    (7,4), (7,3), (7,2), (7,1), (7,0), (6,9), (6,8), (6,7), (6,6), (6,5), (6,4), (6,3), (6,2),     \
    (6,1), (6,0), (5,9), (5,8), (5,7), (5,6), (5,5), (5,4), (5,3), (5,2), (5,1), (5,0), (4,9),     \
    (4,8), (4,7), (4,6), (4,5), (4,4), (4,3), (4,2), (4,1), (4,0), (3,9), (3,8), (3,7), (3,6),     \
    (3,5), (3,4), (3,3), (3,2), (3,1), (3,0), (2,9), (2,8), (2,7), (2,6), (2,5), (2,4), (2,3),     \
    (2,2), (2,1), (2,0), (1,9), (1,8), (1,7), (1,6), (1,5), (1,4), (1,3), (1,2), (1,1), (1,0),     \
    (0,9), (0,8), (0,7), (0,6), (0,5), (0,4), (0,3), (0,2), (0,1), ~)

#define REALM_INTERNAL_EACH_3(tens, rest, ...)                                                     \
    REALM_INTERNAL_TENS_##tens(REALM_INTERNAL_REST_##rest, __VA_ARGS__)
#define REALM_INTERNAL_EACH_2(...) REALM_INTERNAL_EACH_3(__VA_ARGS__)
#define REALM_INTERNAL_UNWRAP(tens, rest) tens, rest
#define REALM_INTERNAL_EACH_1(count, ...) REALM_INTERNAL_EACH_2(REALM_INTERNAL_UNWRAP count, __VA_ARGS__)

/// `f(c, a) f(c, b) ...` of 1 to 199 names a, b, ...
#define REALM_INTERNAL_EACH(f, c, ...)                                                             \
    REALM_INTERNAL_EACH_1(REALM_INTERNAL_COUNT(__VA_ARGS__), f, c, __VA_ARGS__, ~)
// clang-format on
