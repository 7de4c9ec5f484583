/* SPDX-License-Identifier: MIT */
#include "common/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAD_USAGE = 2 };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_help(
    const char *program, const char *purpose, const stress_option_t *table, size_t count)
{
    printf("%s: %s\n\n", program, purpose);
    for (size_t i = 0; i < count; i++) {
        char left[64];
        const char *argument = table[i].argument ? table[i].argument : "";
        snprintf(left, sizeof left, table[i].bare ? "--%s [%s]" : "--%s %s",
            table[i].name, argument);
        printf("  %-20s %s\n", left, table[i].help);
    }
}

static const stress_option_t *find_option(
    const char *text, size_t length, const stress_option_t *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i].name) == length && memcmp(table[i].name, text, length) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* Parses all of `text` into the option's place; false if it isn't such a value. */
static bool store_value(const stress_option_t *option, const char *text)
{
    char *end = NULL;
    errno = 0;
    if (option->text) {
        *option->text = text;
        return *text != '\0';
    }
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    if (option->whole) {
        unsigned long long v = strtoull(text, &end, 10);
        bool fits = (double)v >= option->least && (double)v <= option->most;
        *option->whole = v;
        return *end == '\0' && errno == 0 && fits;
    }
    *option->number = strtod(text, &end);
    return *end == '\0' && errno == 0 && *option->number >= option->least &&
           *option->number <= option->most;
}

static int complain_about_value(
    const char *program, const stress_option_t *option, const char *text)
{
    if (option->text) {
        fprintf(stderr, "%s: --%s wants a value: --%s %s\n", program, option->name,
            option->name, option->argument);
        return BAD_USAGE;
    }
    fprintf(stderr, "%s: --%s wants a %snumber from %.15g to %.15g, not '%s'\n", program,
        option->name, option->whole ? "whole " : "", option->least, option->most, text);
    return BAD_USAGE;
}

/* Takes the option at argv[*i] and its value, which may be the next word. */
static int take_option(int argc, char **argv, int *i, const stress_option_t *table,
    size_t count, const char *program)
{
    const char *word = argv[*i];
    size_t length = strcspn(word, "=");
    const stress_option_t *option = NULL;
    if (length > 2 && word[0] == '-' && word[1] == '-') {
        option = find_option(word + 2, length - 2, table, count);
    }
    if (!option) {
        fprintf(stderr, "%s: there is no option '%s'; %s --help lists them\n", program,
            word, program);
        return BAD_USAGE;
    }
    if (option->given) {
        *option->given = true;
    }
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    if (!value && option->argument && *i + 1 < argc &&
        strncmp(argv[*i + 1], "--", 2) != 0) {
        value = argv[++*i];
    }
    if (!value) {
        if (!option->argument || option->bare) {
            return STRESS_GO_ON;
        }
        return complain_about_value(program, option, "");
    }
    if (!option->argument) {
        fprintf(stderr, "%s: --%s takes no value; leave '%s' out\n", program,
            option->name, value);
        return BAD_USAGE;
    }
    return store_value(option, value) ? STRESS_GO_ON
                                      : complain_about_value(program, option, value);
}

int stress_options(int argc, char **argv, const char *purpose,
    const stress_option_t *table, size_t count)
{
    const char *program = argc > 0 ? base_name(argv[0]) : "stress";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(program, purpose, table, count);
            return 0;
        }
        int status = take_option(argc, argv, &i, table, count, program);
        if (status != STRESS_GO_ON) {
            return status;
        }
    }
    return STRESS_GO_ON;
}
