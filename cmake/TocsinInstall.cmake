# What is installed where, and the Debian packages: cpack -G DEB in the build folder of the release preset.
include(GNUInstallDirs)
set(units lib/systemd/system) # where Debian's systemd looks, whatever the prefix is

function(_tocsin_install_program program folder component)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${folder} COMPONENT ${component})
    endif()
endfunction()

function(_tocsin_install_daemon daemon)
    if(NOT TARGET ${daemon})
        return()
    endif()
    _tocsin_install_program(${daemon} ${CMAKE_INSTALL_SBINDIR} ${daemon})
    install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/${daemon}.service DESTINATION ${units} COMPONENT ${daemon})
    install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/${daemon}.sysusers DESTINATION lib/sysusers.d RENAME ${daemon}.conf
            COMPONENT ${daemon})
    # Scripts of the Debian package: its user, and its unit.
    set(DAEMON ${daemon})
    string(REPLACE "tocsin-" "" DAEMON_FOLDER ${daemon})
    set(DAEMON_GROUPS ${ARGN})
    string(REPLACE ";" " " DAEMON_GROUPS "${DAEMON_GROUPS}")
    set(scripts "")
    foreach(script postinst prerm postrm)
        set(out ${CMAKE_BINARY_DIR}/packages/${daemon}/${script})
        configure_file(${CMAKE_SOURCE_DIR}/deploy/packages/${script}.in ${out} @ONLY)
        file(CHMOD ${out} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
        list(APPEND scripts ${out})
    endforeach()
    string(TOUPPER ${daemon} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${scripts}" PARENT_SCOPE)
endfunction()

_tocsin_install_daemon(tocsin-agent adm systemd-journal)
_tocsin_install_daemon(tocsin-collector)
_tocsin_install_daemon(tocsin-witness)
if(TARGET tocsin-agent)
    install(FILES ${CMAKE_SOURCE_DIR}/deploy/examples/small-ca.yaml DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tocsin-agent/examples
            COMPONENT tocsin-agent)
endif()
# Run by the agent, never by hand: agent/sources.c looks there.
_tocsin_install_program(tocsin-prober ${CMAKE_INSTALL_LIBEXECDIR}/tocsin tocsin-agent)
# Run by the probe pkcs11, never by hand: pkcs11_probe.c looks there.
_tocsin_install_program(tocsin-canary ${CMAKE_INSTALL_LIBEXECDIR}/tocsin tocsin-agent)
_tocsin_install_program(tocsin ${CMAKE_INSTALL_BINDIR} tocsin)
_tocsin_install_program(tocsin-commands ${CMAKE_INSTALL_BINDIR} tocsin) # beside it: front.c looks there
if(TARGET tocsin)
    install(FILES ${CMAKE_SOURCE_DIR}/deploy/completions/tocsin.bash RENAME tocsin
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tocsin)
endif()
if(TARGET tocsin-collector)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/rules/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tocsin/rules
            COMPONENT tocsin-collector PATTERN decoders EXCLUDE)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/rules/decoders DESTINATION ${CMAKE_INSTALL_DATADIR}/tocsin
            COMPONENT tocsin-collector)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tocsin)
set(CPACK_PACKAGE_VENDOR "Tocsin")
set(CPACK_PACKAGE_CONTACT "Tocsin <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL tocsin-agent tocsin-collector tocsin-witness tocsin)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
# Each package depends on the libraries that its own programs need: no RocksDB, no Hyperscan on a signer.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
foreach(component agent collector witness)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_TOCSIN-${upper}_PACKAGE_NAME tocsin-${component})
    set(CPACK_DEBIAN_TOCSIN-${upper}_DESCRIPTION "Tocsin's ${component}")
endforeach()
set(CPACK_DEBIAN_TOCSIN_PACKAGE_NAME tocsin)
set(CPACK_DEBIAN_TOCSIN_DESCRIPTION "Tocsin's command line")
# Probes, webhooks and mail are verified by the system's authorities, unless the settings name others.
set(CPACK_DEBIAN_TOCSIN-AGENT_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_TOCSIN-COLLECTOR_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_COMPONENT_TOCSIN-AGENT_DESCRIPTION "Reads a host's logs, signs them and sends them to a collector.")
set(CPACK_COMPONENT_TOCSIN-COLLECTOR_DESCRIPTION "Takes hosts' logs, keeps them so that nobody can quietly change them, and rings.")
set(CPACK_COMPONENT_TOCSIN-WITNESS_DESCRIPTION "Cosigns the checkpoints of collectors' logs, on a machine of somebody else's.")
set(CPACK_COMPONENT_TOCSIN_DESCRIPTION "Looks at, searches and checks what Tocsin keeps.")
include(CPack)
