# One target a directory, and the directory is its only include root: an undeclared include does not compile.
#
#   tocsin_library(NAME SOURCES … [HEADERS …] [USES other…] [LINK system…])
#   tocsin_program(NAME SOURCES … [USES other…] [LINK system…])
#
# USES names tocsin targets by their short name; one that is not a target yet stops the configuration.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

option(TOCSIN_WERROR "Treat warnings as errors" OFF)
set(TOCSIN_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

add_library(tocsin_flags INTERFACE)
target_compile_definitions(tocsin_flags INTERFACE _GNU_SOURCE TOCSIN_VERSION="${PROJECT_VERSION}")
target_compile_options(tocsin_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wswitch-enum -Wundef -Wformat=2 -Wcast-qual -Wwrite-strings
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
if(TOCSIN_WERROR)
    target_compile_options(tocsin_flags INTERFACE -Werror)
endif()
if(TOCSIN_SANITIZE)
    target_compile_options(tocsin_flags INTERFACE -fsanitize=${TOCSIN_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(tocsin_flags INTERFACE -fsanitize=${TOCSIN_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(tocsin_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
        -fstack-clash-protection $<$<BOOL:${TOCSIN_CET}>:-fcf-protection=full>)
    target_link_options(tocsin_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(TOCSIN_CET ON)
endif()

function(_tocsin_uses target visibility)
    foreach(name IN LISTS ARGN)
        if(NOT TARGET tocsin_${name})
            message(FATAL_ERROR "${target} uses ${name}, which does not stand above it")
        endif()
        target_link_libraries(${target} ${visibility} tocsin_${name})
    endforeach()
endfunction()

function(tocsin_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;USES;LINK" ${ARGN})
    add_library(tocsin_${name} STATIC ${arg_SOURCES})
    if(arg_HEADERS)
        target_sources(tocsin_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR} FILES ${arg_HEADERS})
    endif()
    target_include_directories(tocsin_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(tocsin_${name} PRIVATE tocsin_flags PUBLIC ${arg_LINK})
    _tocsin_uses(tocsin_${name} PUBLIC ${arg_USES})
endfunction()

function(tocsin_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE tocsin_flags ${arg_LINK})
    target_link_options(${name} PRIVATE -pie)
    _tocsin_uses(${name} PRIVATE ${arg_USES})
endfunction()

# A unit test: one cmocka program, named after its module.
function(tocsin_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK" ${ARGN})
    add_executable(test_${name} ${arg_SOURCES})
    target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(test_${name} PRIVATE tocsin_flags cmocka ${arg_LINK})
    _tocsin_uses(test_${name} PRIVATE ${arg_USES})
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()

# A fuzz target; without TOCSIN_FUZZ it is linked with a driver that replays the corpus, as a test.
function(tocsin_fuzz name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK" ${ARGN})
    if(TOCSIN_FUZZ)
        add_executable(fuzz_${name} ${arg_SOURCES})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(fuzz_${name} ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}
                 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    endif()
    target_link_libraries(fuzz_${name} PRIVATE tocsin_flags ${arg_LINK})
    _tocsin_uses(fuzz_${name} PRIVATE ${arg_USES})
endfunction()
