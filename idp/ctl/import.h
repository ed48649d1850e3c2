/* SPDX-License-Identifier: Apache-2.0
 *
 * `idpctl import FILE|- [--dry-run]`. */
#ifndef IDP_CTL_IMPORT_H
#define IDP_CTL_IMPORT_H

#include <stdbool.h>

/* `argv[0]` is the noun, "import". First every entry is checked, by the daemon and against the
 * others of the file; then, unless this is a dry run, those that passed are written, each whole.
 * The report is the same in both cases. Returns the exit status: CTL_REFUSED when an entry was
 * refused (the others were taken). */
int ctl_import_file(const char *socket_path, bool json, int argc, char **argv);

#endif
