# SPDX-License-Identifier: MIT
#
# The consumer, once with each target that the package offers, and once as C++ if there is
# a compiler for it. Building the target "run" runs them all.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS OFF)
add_compile_options(-Wall -Wextra -Wpedantic -Werror)
add_custom_target(run)

function(consumer name source library)
    add_executable(${name} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${source})
    target_link_libraries(${name} PRIVATE ${library})
    # One segment name for each: several may run at once.
    string(RANDOM LENGTH 12 unique)
    add_custom_command(TARGET run POST_BUILD
        COMMAND ${CMAKE_COMMAND} -E echo "${name} with ${library}:"
        COMMAND ${name} consumer-${unique})
    add_dependencies(run ${name})
endfunction()

consumer(with_default consumer.c holdfast::holdfast)
consumer(with_shared consumer.c holdfast::shared)
consumer(with_static consumer.c holdfast::static)

include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
    consumer(as_cxx consumer.cpp holdfast::holdfast)
else()
    message(STATUS "SKIPPED: no C++ compiler here, so no C++ consumer was built")
endif()
