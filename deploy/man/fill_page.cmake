# Fills a manual page: cmake -DSOURCE=… -DOUT=… -DVERSION=… [-DSETTINGS_PROGRAM=…] -P fill_page.cmake
file(READ ${SOURCE} page)
string(REPLACE "@PROJECT_VERSION@" "${VERSION}" page "${page}")
if(SETTINGS_PROGRAM)
    execute_process(COMMAND ${SETTINGS_PROGRAM} OUTPUT_VARIABLE settings COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "@SETTINGS@\n" "${settings}" page "${page}")
endif()
file(WRITE ${OUT} "${page}")
