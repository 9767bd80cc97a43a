/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * in_transaction.h - a repository of its own, and a transaction in it, for each test of a program
 */
#ifndef LAMINA_TESTS_STORE_IN_TRANSACTION_H
#define LAMINA_TESTS_STORE_IN_TRANSACTION_H

#include "unit/store/repo.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;
static struct transaction *transaction;

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	store = repo_open(below(folder, "repo"));
	transaction = begin(store);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	transaction_abort(transaction);
	store_close(store);
	folder_remove(folder);
	return 0;
}

#endif
