# SPDX-License-Identifier: MIT
#
# Reads a list of files, paths relative to the project, and then each #include of theirs.
# Prints "file:line: what: why" for each one that is forbidden; exits with 1 if any was.
# tests/layers/check.sh feeds it.

BEGIN {
    # An arrow may point to a lower rank, or stay inside its own directory.
    rank["base"] = 0
    rank["platform"] = 1
    rank["region"] = 2
    rank["participant"] = 3
    rank["wait"] = 4
    n = split("mutex condvar sem permits rwlock barrier event once latch",
              names, " ")
    for (i = 1; i <= n; i++) {
        rank[names[i]] = 5
    }
    rank["heap"] = 6
    rank["segment"] = 7
    rank["containers"] = rank["counter"] = rank["rcu"] = 8

    # These are built on it.
    beside["condvar", "mutex"] = beside["rwlock", "mutex"] = beside["once", "mutex"] = 1
    beside["latch", "mutex"] = 1

    # A public header whose name is not that of the directory that implements it.
    n = split("cond=condvar tally=participant shm=region ptr=segment heap=segment " \
              "object=segment vector=containers map=containers", names, " ")
    for (i = 1; i <= n; i++) {
        split(names[i], pair, "=")
        implemented_in[pair[1]] = pair[2]
    }

    n = split("assert complex ctype errno fenv float inttypes iso646 limits locale " \
              "math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint " \
              "stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype",
              names, " ")
    for (i = 1; i <= n; i++) {
        is_standard[names[i] ".h"] = 1
    }
}

{
    known[$0] = 1
    files[++count] = $0
}

END {
    for (i = 1; i <= count; i++) {
        read_file(files[i])
    }
    if (!bad && !judged) {
        print "no #include found: nothing was checked"
        exit 1
    }
    if (!bad) {
        print judged " #includes in " count " files, each allowed"
    }
    exit bad != 0
}

function read_file(file,    line, number, inside, text)
{
    number = 0
    inside = 0
    while ((getline line < file) > 0) {
        number++
        if (!inside && line !~ /^[ \t]*#/) {
            gsub(/"([^"\\]|\\.)*"/, "\"\"", line) # "/*" in a string opens no comment
        }
        text = without_comments(line, inside)
        inside = still_inside
        if (text ~ /^[ \t]*#[ \t]*include/) {
            sub(/^[ \t]*#[ \t]*include[ \t]*/, "", text)
            judge(file, number, text)
        }
    }
    close(file)
}

# The line without comments; sets still_inside if one goes on in the next line.
function without_comments(line, inside,    text, at, line_comment)
{
    text = ""
    for (;;) {
        if (inside) {
            at = index(line, "*/")
            if (!at) {
                break
            }
            line = substr(line, at + 2)
            inside = 0
        }
        at = index(line, "/*")
        line_comment = index(line, "//")
        if (line_comment && (!at || line_comment < at)) {
            text = text substr(line, 1, line_comment - 1)
            break
        }
        if (!at) {
            text = text line
            break
        }
        text = text substr(line, 1, at - 1)
        line = substr(line, at + 2)
        inside = 1
    }
    still_inside = inside
    return text
}

function judge(file, number, text,    target)
{
    judged++
    where = file ":" number ": "
    if (text ~ /^"[^"]*"/) {
        target = substr(text, 2)
        sub(/".*/, "", target)
        what = "\"" target "\""
        quoted = 1
    } else if (text ~ /^<[^>]*>/) {
        target = substr(text, 2)
        sub(/>.*/, "", target)
        what = "<" target ">"
        quoted = 0
    } else {
        what = text
        forbid("an #include through a macro cannot be checked")
        return
    }

    if (file ~ /^src\//) {
        judge_source(file, target)
    } else if (file ~ /^include\//) {
        judge_public(file, target)
    } else {
        judge_user(file, target)
    }
}

# src/: arrows point down.
function judge_source(file, target,    from, to, path, name)
{
    from = part_of(file)
    if (!(from in rank)) {
        forbid("src/" from " has no place among the layers; give it one in tests/layers")
        return
    }
    if (quoted) {
        path = resolve(file, target, "src")
        if (path == "") {
            forbid("no such file beside this one or in src/")
            return
        }
        to = part_of(path)
        if (path ~ /^src\/platform\/[^\/]*\// && from != "platform") {
            forbid("one system's own header; the seam is platform/platform.h")
            return
        }
        arrow(from, to)
    } else if (target ~ /^holdfast\//) {
        if (!(("include/" target) in known)) {
            forbid("no such public header")
            return
        }
        name = target
        sub(/^holdfast\//, "", name)
        sub(/\.h$/, "", name)
        if (name == "holdfast") {
            forbid("the umbrella brings all layers at once; include what is used")
        } else if (name != "common") {
            arrow(from, name in implemented_in ? implemented_in[name] : name)
        }
    } else if (("src/" target) in known) {
        forbid("our own headers are included as \"...\"")
    } else if (!(target in is_standard) && !may_see(from, target)) {
        forbid("a system header outside src/platform")
    }
}

function may_see(from, system_header)
{
    return from == "platform" || (from == "participant" && \
           system_header ~ /^(pthread\.h|urcu-bp\.h|urcu\/.*)$/)
}

function arrow(from, to)
{
    if (!(to in rank)) {
        forbid("src/" to " has no place among the layers; give it one in tests/layers")
    } else if (from == to || ((from, to) in beside)) {
        return
    } else if (rank[to] > rank[from]) {
        forbid("points up, from " from " to " to)
    } else if (rank[to] == rank[from]) {
        forbid("points sideways: " from " and " to " must not know each other")
    }
}

# include/: what a consumer gets; it must stand without src/ and on other systems.
function judge_public(file, target)
{
    if (quoted) {
        forbid("a public header includes <holdfast/...> and C headers only")
    } else if (target ~ /^holdfast\//) {
        if (!(("include/" target) in known)) {
            forbid("no such public header")
        }
    } else if (("src/" target) in known) {
        forbid("a public header includes nothing from src/")
    } else if (!(target in is_standard) && target != "sys/types.h") {
        forbid("a system header in a public header")
    }
}

# stress/, bench/, ...: users of the library like any other.
function judge_user(file, target,    top)
{
    top = file
    if (top ~ /^tests\//) {
        sub(/^tests\//, "", top)
        sub(/\/.*/, "", top)
        top = "tests/" top
    } else {
        sub(/\/.*/, "", top)
    }
    if (quoted) {
        if (resolve(file, target, top) !~ ("^" top "/")) {
            forbid(top "/ sees its own headers and include/ only")
        }
    } else if (("src/" target) in known) {
        forbid(top "/ sees its own headers and include/ only")
    } else if (target ~ /^holdfast\// && !(("include/" target) in known)) {
        forbid("no such public header")
    }
}

function forbid(why)
{
    print where "#include " what ": " why
    bad = 1
}

# src/mutex/mutex.c -> mutex
function part_of(file)
{
    sub(/^src\//, "", file)
    sub(/\/.*/, "", file)
    return file
}

# The file that "target" means: beside the including one, else below root; "" if none.
function resolve(file, target, root,    path)
{
    path = file
    sub(/[^\/]*$/, "", path)
    path = plain(path target)
    if (path in known) {
        return path
    }
    path = plain(root "/" target)
    return path in known ? path : ""
}

function plain(path)
{
    gsub(/\/\.\//, "/", path)
    while (path ~ /[^\/]+\/\.\.\//) {
        sub(/[^\/]+\/\.\.\//, "", path)
    }
    return path
}
