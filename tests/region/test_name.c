/* SPDX-License-Identifier: MIT */
#include "region/region.h"

#include <criterion/criterion.h>
#include <string.h>

Test(region_name, one_slash_in_front_means_nothing)
{
    cr_assert_str_eq(hfi_region_name("a"), "a");
    cr_assert_str_eq(hfi_region_name("/a"), "a");
}

Test(region_name, refuses_what_names_no_object_of_its_own)
{
    const char *refused[] = {"", "/", "//a", "a/b", "/a/b", "..", "/.", "a/"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cr_assert_null(hfi_region_name(refused[i]), "\"%s\"", refused[i]);
    }
    cr_assert_null(hfi_region_name(NULL));
}

Test(region_name, is_at_most_250_bytes)
{
    char name[252];
    memset(name, 'x', sizeof name);
    name[250] = '\0';
    cr_assert_not_null(hfi_region_name(name));
    name[250] = 'x';
    name[251] = '\0';
    cr_assert_null(hfi_region_name(name));
}
