/* Changes an NTFS volume without mounting it: change IMAGE mkdir|rm|mv|ln|write PATH ... */
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
    ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
    if (!na) fail("open");
    s64 bytes = strlen(argv[5]);
    if (ntfs_attr_pwrite(na, atoll(argv[4]), bytes, argv[5]) != bytes) fail("write");
    ntfs_attr_close(na);
    ntfs_inode_update_times(ni, NTFS_UPDATE_MCTIME);
    ntfs_inode_close(ni);
  }
  return ntfs_umount(vol, 0) ? 1 : 0;
}
