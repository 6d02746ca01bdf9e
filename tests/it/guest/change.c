/* Changes an NTFS volume without mounting it: change IMAGE VERB PATH ...
 * mkdir PATH, rm PATH, mv OLD NEW, ln OLD NEW, write PATH AT TEXT; compress FOLDER: what is made in it later is compressed;
 * sparse PATH BYTES: a file of zeros; link PATH TARGET; many FOLDER COUNT: small files, a thousand in each folder;
 * rewrite FOLDER COUNT: gives all of them another time, and those whose content lies in their record another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/unistr.h>

static ntfs_volume *vol;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static ntfs_inode *open_path(const char *path) {
  ntfs_inode *ni = ntfs_pathname_to_inode(vol, NULL, path);
  if (!ni) fail(path);
  return ni;
}

/* The folder of a path, opened, and the name in it. */
static ntfs_inode *split(const char *path, ntfschar **name, int *len) {
  char *copy = strdup(path), *slash = strrchr(copy, '/');
  *name = NULL;
  *len = ntfs_mbstoucs(slash + 1, name);
  *slash = 0;
  ntfs_inode *dir = open_path(*copy ? copy : "/");
  free(copy);
  return dir;
}

static ntfs_inode *create(ntfs_inode *dir, const char *text) {
  ntfschar *name = NULL;
  int len = ntfs_mbstoucs(text, &name);
  ntfs_inode *ni = ntfs_create(dir, 0, name, len, S_IFREG);
  if (!ni) fail(text);
  free(name);
  return ni;
}

static ntfs_attr *data_of(ntfs_inode *ni) {
  ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
  if (!na) fail("open");
  return na;
}

static void many(const char *folder, int count) {
  ntfs_inode *top = open_path(folder), *dir = NULL;
  static char bytes[9000];
  for (int n = 0; n < count; n++) {
    char text[64];
    if (n % 1000 == 0) {
      if (dir) ntfs_inode_close(dir);
      ntfschar *name = NULL;
      sprintf(text, "folder%04d", n / 1000);
      int len = ntfs_mbstoucs(text, &name);
      dir = ntfs_create(top, 0, name, len, S_IFDIR);
      if (!dir) fail(text);
      free(name);
    }
    sprintf(text, "file%07d.txt", n);
    ntfs_inode *ni = create(dir, text);
    ntfs_attr *na = data_of(ni);
    int len = n % 10 ? 200 : 9000;
    memset(bytes, 'a' + n % 26, len);
    if (ntfs_attr_pwrite(na, 0, len, bytes) != len) fail(text);
    ntfs_attr_close(na);
    ntfs_inode_close(ni);
  }
  if (dir) ntfs_inode_close(dir);
  ntfs_inode_close(top);
}

static void rewrite(const char *folder, int count) {
  for (int n = 0; n < count; n++) {
    char path[256];
    sprintf(path, "%s/folder%04d/file%07d.txt", folder, n / 1000, n);
    ntfs_inode *ni = open_path(path);
    if (n % 10) {
      ntfs_attr *na = data_of(ni);
      if (ntfs_attr_pwrite(na, 0, 4, "HAY!") != 4) fail(path);
      ntfs_attr_close(na);
    }
    ni->last_data_change_time = cpu_to_sle64(sle64_to_cpu(ni->last_data_change_time) + 10000000);
    NInoFileNameSetDirty(ni);
    NInoSetDirty(ni);
    ntfs_inode_close(ni);
  }
}

int main(int argc, char **argv) {
  vol = ntfs_mount(argv[1], 0);
  if (!vol) fail("mount");
  const char *verb = argv[2], *path = argv[3];
  ntfschar *name;
  int len;
  if (!strcmp(verb, "mkdir")) {
    ntfs_inode *dir = split(path, &name, &len);
    ntfs_inode *ni = ntfs_create(dir, 0, name, len, S_IFDIR);
    if (!ni) fail("mkdir");
    ntfs_inode_close(ni);
    ntfs_inode_close(dir);
  } else if (!strcmp(verb, "rm")) {
    ntfs_inode *dir = split(path, &name, &len);
    if (ntfs_delete(vol, path, open_path(path), dir, name, len)) fail("rm");
  } else if (!strcmp(verb, "mv") || !strcmp(verb, "ln")) {
    ntfs_inode *ni = open_path(path), *dir = split(argv[4], &name, &len);
    if (ntfs_link(ni, dir, name, len)) fail("link");
    ntfs_inode_close(dir);
    ntfs_inode_close(ni);
    if (!strcmp(verb, "mv")) {
      dir = split(path, &name, &len);
      if (ntfs_delete(vol, path, open_path(path), dir, name, len)) fail("unlink");
    }
  } else if (!strcmp(verb, "write")) {
    ntfs_inode *ni = open_path(path);
    ntfs_attr *na = data_of(ni);
    s64 bytes = strlen(argv[5]);
    if (ntfs_attr_pwrite(na, atoll(argv[4]), bytes, argv[5]) != bytes) fail("write");
    ntfs_attr_close(na);
    ntfs_inode_update_times(ni, NTFS_UPDATE_MCTIME);
    ntfs_inode_close(ni);
  } else if (!strcmp(verb, "compress")) {
    ntfs_inode *ni = open_path(path);
    ni->flags |= FILE_ATTR_COMPRESSED;
    NInoFileNameSetDirty(ni);
    NInoSetDirty(ni);
    ntfs_inode_close(ni);
  } else if (!strcmp(verb, "sparse")) {
    const char *slash = strrchr(path, '/');
    ntfs_inode *dir = split(path, &name, &len), *ni = create(dir, slash + 1);
    ntfs_attr *na = data_of(ni);
    if (ntfs_attr_truncate(na, atoll(argv[4]))) fail("truncate");
    ntfs_attr_close(na);
    ntfs_inode_close(ni);
    ntfs_inode_close(dir);
  } else if (!strcmp(verb, "link")) {
    ntfs_inode *dir = split(path, &name, &len);
    ntfschar *target = NULL;
    int target_len = ntfs_mbstoucs(argv[4], &target);
    ntfs_inode *ni = ntfs_create_symlink(dir, 0, name, len, target, target_len);
    if (!ni) fail("link");
    ntfs_inode_close(ni);
    ntfs_inode_close(dir);
  } else if (!strcmp(verb, "many")) {
    many(path, atoi(argv[4]));
  } else if (!strcmp(verb, "rewrite")) {
    rewrite(path, atoi(argv[4]));
  }
  return ntfs_umount(vol, 0) ? 1 : 0;
}
