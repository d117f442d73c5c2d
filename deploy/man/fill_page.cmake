# Fills a manual page: cmake -DSOURCE=… -DOUT=… -DVERSION=… [-DSETTINGS_PROGRAM=…] [-DCOMMANDS_PROGRAM=…] -P fill_page.cmake
file(READ ${SOURCE} page)
string(REPLACE "@PROJECT_VERSION@" "${VERSION}" page "${page}")
if(SETTINGS_PROGRAM)
    execute_process(COMMAND ${SETTINGS_PROGRAM} OUTPUT_VARIABLE settings COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "@SETTINGS@\n" "${settings}" page "${page}")
endif()
if(COMMANDS_PROGRAM)
    execute_process(COMMAND ${COMMANDS_PROGRAM} --commands
                    COMMAND awk -v program=${COMMANDS_PROGRAM} -f ${CMAKE_CURRENT_LIST_DIR}/commands.awk
                    OUTPUT_VARIABLE commands COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "@COMMANDS@\n" "${commands}" page "${page}")
endif()
file(WRITE ${OUT} "${page}")
