/* Requests for backups. Private to query. */
#ifndef TOCSIN_QUERY_BACKUP_H
#define TOCSIN_QUERY_BACKUP_H

#include "query_run.h"

void query_backup(const struct query_reader *reader, const Tocsin__BackupQuery *query);

#endif
