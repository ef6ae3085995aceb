# Keeps dpkg-source and its modules loaded: each question is a fork of this process, which costs a fifth of a new one.
# kept.pl SCRIPT MODULES [UID GID]
# A question is a line, its fields separated by 0x1f: folder, file for the standard error, number of variables, name=value
# for each, arguments. The answer is the status that wait(2) gives.
use strict;
use warnings;

BEGIN { $0 = 'dpkg-source' }

# Before all lexical variables, which the script must not see.
sub kept_run { eval $_[0]; die $@ if $@ }

my ($kept_script, $kept_modules, $kept_uid, $kept_gid) = @ARGV;
my $kept_text = do {
    open(my $file, '<', $kept_script) or die "$kept_script: $!";
    local $/;
    "package main;\n#line 1 \"dpkg-source\"\n" . <$file>;
};
# All that it might load later: it may not be able to read them any more then.
my @kept_found = $kept_text =~ /^use (Dpkg[\w:]*)/mg;
for my $folder ('Source', 'Source/Package', 'Source/Package/V3', 'Vendor', 'Compression', 'Control', 'Changelog') {
    for my $path (glob "$kept_modules/Dpkg/$folder/*.pm") {
        (my $name = substr $path, 1 + length $kept_modules) =~ s{/}{::}g;
        push @kept_found, $name =~ s/\.pm$//r;
    }
}
for my $name (@kept_found) {
    (my $path = "$name.pm") =~ s{::}{/}g;
    eval { require $path };
}
umask 022;
if (defined $kept_uid) {
    $( = $kept_gid;
    $) = "$kept_gid $kept_gid";
    $< = $> = $kept_uid;
    die "still root" if $> != $kept_uid || $< != $kept_uid;
}
$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    my ($folder, $errors, $count, @rest) = split /\x1f/, $line, -1;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null' or die $!;
        open STDOUT, '>', '/dev/null' or die $!;
        open STDERR, '>', $errors or die $!;
        %ENV = map { split /=/, $_, 2 } splice @rest, 0, $count;
        chdir $folder or die "$folder: $!";
        @ARGV = @rest;
        kept_run($kept_text);
        exit 0;
    }
    waitpid $pid, 0;
    print "$?\n";
}
