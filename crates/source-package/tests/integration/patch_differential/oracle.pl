# Patches source trees with dpkg's own code, one request a line: format, vendor, folder.
# The folder holds the tree as "src" and, for 1.0, the patch as "v1.diff". Answers 0 or an exit code.
use strict;
use warnings;

use POSIX ();
use Dpkg::Source::Patch;
use Dpkg::Source::Quilt;
use Dpkg::Source::Package::V2;
use Dpkg::Source::Package::V3::Quilt;

umask 022;
$| = 1;
my $vendor = 'debian';
{
    no warnings qw(redefine prototype);
    *Dpkg::Source::Quilt::get_current_vendor = sub { $vendor };
}

sub unpack_patched {
    my $format = shift;
    if ($format eq 'v1') {
        Dpkg::Source::Patch->new(filename => 'v1.diff')->apply('src', force_timestamp => 1);
    } else {
        my $class = 'Dpkg::Source::Package::' . ($format eq 'v2' ? 'V2' : 'V3::Quilt');
        my $package = bless { options => {} }, $class;
        $package->apply_patches('src', usage => 'unpack');
    }
}

while (defined(my $request = <STDIN>)) {
    chomp $request;
    my ($format, $for, $folder) = split /\t/, $request, 3;
    my $child = fork // die "cannot fork: $!";
    if (!$child) {
        open STDIN, '<', '/dev/null' or POSIX::_exit(99);
        open STDOUT, '>', "$folder/log" or POSIX::_exit(99);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(99);
        STDERR->autoflush(1);
        $vendor = $for;
        alarm 60;
        my $done = chdir($folder) && eval { unpack_patched($format); 1 };
        print { *STDERR } $@ unless $done;
        POSIX::_exit($done ? 0 : 1);
    }
    waitpid $child, 0;
    print "$?\n";
}
