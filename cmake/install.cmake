# SPDX-License-Identifier: MIT
#
# cmake --install, and how a consumer finds what it installed: find_package(holdfast) and
# pkg-config holdfast. Both work wherever the prefix is moved to.
option(HOLDFAST_INSTALL "Generate the install rules" ${HOLDFAST_IS_TOP})
if(NOT HOLDFAST_INSTALL)
    return()
endif()

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/holdfast)

install(DIRECTORY include/holdfast
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT development
    FILES_MATCHING PATTERN "*.h")

# One export set for each, so that a consumer of the shared library needs no liburcu-dev.
foreach(kind shared static)
    install(TARGETS holdfast_${kind}
        EXPORT holdfast_${kind}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT runtime
            NAMELINK_COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT development)
    install(EXPORT holdfast_${kind}
        FILE holdfast-${kind}.cmake
        NAMESPACE holdfast::
        DESTINATION ${package_dir}
        COMPONENT development)
endforeach()

configure_package_config_file(cmake/holdfast-config.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/holdfast-config.cmake
    INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/holdfast-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/holdfast-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/holdfast-config-version.cmake
    DESTINATION ${package_dir}
    COMPONENT development)

# The .pc file says where things are seen from itself, unless told absolute directories.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
foreach(dir INCLUDEDIR LIBDIR)
    if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
        set(PC_${dir} ${CMAKE_INSTALL_FULL_${dir}})
    else()
        file(RELATIVE_PATH PC_${dir} /${pc_dir} /${CMAKE_INSTALL_${dir}})
        string(REGEX REPLACE "/$" "" PC_${dir} "\${pcfiledir}/${PC_${dir}}")
    endif()
endforeach()
configure_file(cmake/holdfast.pc.in ${CMAKE_CURRENT_BINARY_DIR}/holdfast.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/holdfast.pc
    DESTINATION ${pc_dir}
    COMPONENT development)
